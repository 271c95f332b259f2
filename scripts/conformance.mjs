/**
 * `npm run conformance`: test/conformance/main.ts, bundled, after what it needs was installed.
 * Arguments go to it; docs/conformance.md names them.
 */
import { join } from 'node:path';
import { systemPackages } from './debian.mjs';
import { ready } from './ready.mjs';
import { attempt, root } from './shell.mjs';

/** Packages that only this needs: to fetch source packages, to build the suites, to run them. */
const PACKAGES = {
  'dpkg-dev': 'unpacks source packages',
  'golang-go': 'builds the suites',
  'libseccomp-dev': "builds runc's seccomp agent and crun's test program",
  'pkg-config': "builds runc's seccomp agent",
  'xz-utils': 'packs the images',
  mmdebstrap: 'makes the Debian image',
  bats: "runs runc's tests",
  gawk: "runs runc's tests",
  jq: "runs runc's tests",
  python3: "runs crun's tests, and is the process above all of them",
  ...Object.fromEntries(
    [
      'dbus',
      'github-cilium-ebpf',
      'github-containerd-console',
      'github-coreos-go-systemd',
      'github-cyphar-filepath-securejoin',
      'github-moby-sys',
      'github-opencontainers-selinux',
      'github-opencontainers-specs',
      'github-seccomp-libseccomp-golang',
      'github-sirupsen-logrus',
      'github-urfave-cli',
      'github-vishvananda-netlink',
      'gocapability',
      'golang-x-net',
      'golang-x-sys',
      'google-protobuf',
    ].map((name) => [`golang-${name}-dev`, "builds runc's test programs"]),
  ),
};

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('conformance tests start containers with a real runc beside minirun: they need Linux and root');
  process.exit(1);
}
await ready({ tests: true });
systemPackages(PACKAGES);
const { bundle } = await import('./build.mjs');
const program = join(root, 'node_modules', '.cache', 'minirun-conformance', 'conformance.js');
await bundle('test/conformance/main.ts', program);
process.exit(attempt(process.execPath, [program, ...process.argv.slice(2)]));
