/** What a daemon above asks for: images in and out, by any way. One object for one namespace. */
import type { Readable } from 'node:stream';
import { exportRootfs } from '../archive/export-rootfs.ts';
import { type ImportOptions, importRootfs } from '../archive/import-rootfs.ts';
import { type Loaded, type LoadOptions, load } from '../archive/load.ts';
import { type Saved, type SaveOptions, save } from '../archive/save.ts';
import type { Credentials } from '../registry/credentials.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { login } from '../registry/login.ts';
import { parseReference } from '../registry/reference.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import type { Image, Mount, Stores } from './ports.ts';
import { type Pulled, type PullOptions, pull } from './pull.ts';
import { type PushOptions, push } from './push.ts';

/** Of one request, over what the daemon was started with. */
interface Asked {
  /** who asks: what a client sends along; those of the settings when not given */
  credentials?: Credentials;
}

export interface Transfers {
  /** @throws unauthenticated when the registry does not take them */
  login(domain: string, credentials: Credentials): Promise<void>;
  pull(name: string, options?: Omit<PullOptions, 'registry'> & Asked): Promise<Pulled>;
  push(name: string, options?: Omit<PushOptions, 'registry'> & Asked): Promise<Descriptor>;
  /** @param from a tar, or the path of a folder with an OCI layout */
  load(from: Readable | string, options?: LoadOptions): Promise<Loaded>;
  save(images: readonly (string | Saved)[], options?: SaveOptions): Promise<Readable>;
  /** All files of a snapshot as a tar. */
  export(mounts: readonly Mount[]): Readable;
  import(tar: Readable, options?: ImportOptions): Promise<{ target: Descriptor; config: Descriptor; image?: Image }>;
}

/** @param settings mirrors, insecure registries, certificates: what holds for every request */
export function transfersOf(stores: Stores, settings: RegistrySettings = {}): Transfers {
  /** What was given for one registry is for no other one: a mirror does not get it. */
  const registry = (name: string, credentials: Credentials | undefined): RegistrySettings => {
    if (credentials === undefined) return settings;
    const { domain } = parseReference(name);
    return { ...settings, credentials: (host) => (host === domain ? credentials : settings.credentials?.(host)) };
  };
  return {
    login: (domain, credentials) => login(domain, credentials, settings),
    pull: (name, { credentials, ...options } = {}) => pull(stores, name, { ...options, registry: registry(name, credentials) }),
    push: (name, { credentials, ...options } = {}) => push(stores, name, { ...options, registry: registry(name, credentials) }),
    load: (from, options) => load(stores, from, options),
    save: (images, options) => save(stores, images, options),
    export: exportRootfs,
    import: (tar, options) => importRootfs(stores, tar, options),
  };
}
