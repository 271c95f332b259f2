/** What minirund is told at its start. */
import type { Level } from '../containerd/log.ts';

export interface DaemonOptions {
  /** Where clients find it: `unix:///run/minirun/docker.sock`, `tcp://127.0.0.1:2375`. */
  hosts: string[];
  /** What has to last: images, containers, volumes. */
  dataRoot: string;
  /** What is gone after a reboot: sockets, fifos, bundles. */
  execRoot: string;
  pidfile?: string;
  /** The socket of a containerd of its own process; without it there is one in this process. */
  containerd?: string;
  containerdNamespace: string;
  level: Level;
  registryMirrors: string[];
  insecureRegistries: string[];
  /** Layers that a pull fetches at a time, and that a push sends; how often a download is tried. */
  transfers: { downloads: number; uploads: number; attempts: number };
  /** Labels of the daemon, for `info`. */
  labels: string[];
  /** Programs that can be named with --runtime, by name: a shim, or an OCI runtime. */
  runtimes: Record<string, { path?: string; runtimeType?: string; options?: Record<string, unknown> }>;
  defaultRuntime: string;
  /** Of containers that do not say. */
  logDriver: string;
  logOptions: Record<string, string>;
  cgroupParent: string;
  defaultShmSize: number;
  defaultUlimits: { Name: string; Soft: number; Hard: number }[];
  init: boolean;
  /** Seconds that a container has for its end when the daemon says nothing else. */
  shutdownTimeout: number;
  /** Seconds after which a daemon without containers and clients ends; 0: never. */
  idleTimeout: number;
}
