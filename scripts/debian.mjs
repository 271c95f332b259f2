/** The Debian packages that minirun and its tests use, and how missing ones are put there. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { attempt, output, which } from './shell.mjs';

/** What building and running needs, and why. */
export const NEEDED = {
  gcc: 'builds the native engine; without it there is the ffi engine, which cannot make user namespaces',
  'libc6-dev': 'kernel headers for the native engine',
  'busybox-static': 'the smallest root filesystem to try with',
  libseccomp2: 'compiles seccomp profiles',
  uidmap: 'newuidmap and newgidmap: more than one user inside a rootless container',
  'util-linux': 'unshare and nsenter, which doctor tries',
};

/** What only the tests and benchmarks use. */
export const FOR_TESTS = {
  strace: 'shows that an explanation is what really runs',
  runc: 'comparison',
  crun: 'comparison',
  bubblewrap: 'comparison',
  debootstrap: 'makes the Debian root filesystem',
  time: 'peak memory in benchmarks',
  iproute2: 'looks at network namespaces',
  procps: 'looks at processes',
  criu: 'checkpoint and restore, where it fits the kernel: in the VM',
  skopeo: 'exchanges images with us',
  umoci: 'comparison',
  'apache2-utils': 'htpasswd, for a registry that asks for a password',
  openssl: "a registry's certificate",
  zstd: 'layers that zstd itself has compressed',
  curl: "asks servers without our client, as the documentation's reader does",
  'python3-docker': "Docker's library for Python: a client of minirund",
  jq: "reads JSON in the documentation's commands",
};

/** Whole engines and servers, for the tests that run beside or on them: package → what is there when it is, and what for. */
const ENGINES = {
  podman: ['podman', 'swap test'],
  netavark: ['/usr/lib/podman/netavark', 'networks of podman'],
  catatonit: ['/usr/libexec/podman/catatonit', 'pods of podman'],
  containerd: ['containerd', 'swap test'],
  'docker.io': ['dockerd', 'swap test'],
  'docker-registry': ['docker-registry', 'push and pull'],
};

/** Those of the packages that are not installed, by dpkg. */
export function missing(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own notation
  const listing = output('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n']) ?? '';
  const installed = new Set(listing.split('\n').flatMap((l) => (l.startsWith('installed ') ? [l.slice(10)] : [])));
  return packages.filter((p) => !installed.has(p));
}

const aptGet = (...args) =>
  attempt('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });

// --no-remove: Docker's own packages, for one, exclude Debian's; what is there stays.
const install = (packages) => aptGet('install', '-y', '--no-remove', '--no-install-recommends', ...packages);

let updated = false;

/**
 * Installs what is missing of `packages`. Returns those that could not be installed.
 * The package lists are fetched only when an install fails without them.
 */
function installMissing(packages) {
  const wanted = missing(packages);
  if (!wanted.length) return [];
  console.error(`installing from Debian: ${wanted.join(' ')}`);
  // Lists that are not there, or name versions that the mirror no longer has, make the first try fail.
  if (install(wanted) === 0) return [];
  if (!updated) {
    updated = true;
    aptGet('update');
  }
  if (install(wanted) === 0) return [];
  // One unknown name makes apt refuse all: take what there is.
  for (const name of wanted) install([name]);
  return missing(wanted);
}

/**
 * Puts the packages there as root on a Debian-like system; elsewhere prints one line that says what to install.
 * @param {Record<string, string>} packages name → what it is for
 */
export function systemPackages(packages) {
  if (process.platform !== 'linux') return;
  const names = Object.keys(packages);
  if (!which('dpkg-query')) {
    if (!which('cc')) console.error(`no C compiler: install one, and what your system calls ${names.join(', ')}, for the native engine`);
    return;
  }
  const root = process.getuid?.() === 0;
  const lacking = root && which('apt-get') ? installMissing(names) : missing(names);
  if (!lacking.length) return;
  if (!root) console.error(`for everything to work, install: sudo apt-get install --no-install-recommends ${lacking.join(' ')}`);
  else for (const name of lacking) console.error(`could not install ${name} (${packages[name]})`);
}

/**
 * Puts the engines and servers there that tests need, and which nobody has installed from elsewhere. Not
 * where systemd runs: it would start their daemons, which would change the firewall and take ports.
 */
export function enginePackages() {
  const lacking = Object.entries(ENGINES).filter(([, [what]]) => !(what.startsWith('/') ? existsSync(what) : which(what)));
  if (!lacking.length) return;
  if (!existsSync('/run/systemd/system'))
    return withoutStarting(() => systemPackages(Object.fromEntries(lacking.map(([name, [, why]]) => [name, why]))));
  console.error(`tests run with the engines that are installed; not installed: ${lacking.map(([name]) => name).join(' ')}`);
}

/** invoke-rc.d(8) starts a package's daemon unless this program says 101; images of containers have it anyway. */
function withoutStarting(act) {
  const policy = '/usr/sbin/policy-rc.d';
  if (process.getuid?.() !== 0 || existsSync(policy)) return act();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return act();
  } finally {
    rmSync(policy);
  }
}
