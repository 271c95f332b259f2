/**
 * What an image runs on: `linux/amd64`, `linux/arm/v7`.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md#platform-variants
 */
import { arch, platform } from 'node:process';
import { invalidArgument } from '../errors.ts';

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

/** Names that uname, Debian and Node use, and Go's, which images use. */
const ARCHITECTURES: Record<string, [architecture: string, variant?: string]> = {
  i386: ['386'],
  ia32: ['386'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  ppc64el: ['ppc64le'],
};
const KNOWN = new Set('386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' '));
const SYSTEMS = new Set('linux windows darwin freebsd netbsd openbsd dragonfly solaris aix plan9 wasip1 android'.split(' '));

/** The one way to write it: variants that say nothing (arm64's v8, amd64's v1) are dropped, arm always has one. */
export function normalizePlatform({ os, architecture, variant, ...rest }: Platform): Platform {
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  const [known, implied] = ARCHITECTURES[architecture.toLowerCase()] ?? [architecture.toLowerCase()];
  let kind = (variant || implied || '').toLowerCase();
  if (known === 'arm') kind = kind === '' ? 'v7' : kind.replace(/^(?=\d+$)/, 'v');
  if (known === 'arm64' && (kind === 'v8' || kind === '8')) kind = '';
  if (known === 'amd64' && kind === 'v1') kind = '';
  return { os: system, architecture: known, ...(kind !== '' && { variant: kind }), ...rest };
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string => `${os}/${architecture}${variant ? `/${variant}` : ''}`;

/** The machine that this runs on. Node itself says nothing of arm's variants: 7 is what 32-bit Node needs. */
export const defaultPlatform = (): Platform => normalizePlatform({ os: platform === 'win32' ? 'windows' : platform, architecture: arch });

/**
 * Reads `os/arch/variant`; of `os`, or `arch` alone, the rest is this machine's.
 * @throws invalid argument
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.some((part) => !/^[A-Za-z0-9_.-]+$/.test(part)) || parts.length > 3) {
    throw invalidArgument(`${JSON.stringify(text)} is an invalid platform: want os, arch, os/arch or os/arch/variant`);
  }
  const [first = '', architecture, variant] = parts;
  if (architecture !== undefined) return normalizePlatform({ os: first, architecture, ...(variant !== undefined && { variant }) });
  const machine = defaultPlatform();
  const alone = normalizePlatform({ os: first, architecture: first });
  if (SYSTEMS.has(alone.os)) return { ...machine, os: alone.os };
  if (KNOWN.has(alone.architecture)) return { ...alone, os: machine.os };
  throw invalidArgument(`${JSON.stringify(text)}: unknown operating system or architecture`);
}

/** Everything that such a machine runs, the best first: a 64-bit arm runs 32-bit programs, and newer processors older variants'. */
function runnable(wanted: Platform): Platform[] {
  const { os, architecture, variant } = normalizePlatform(wanted);
  const down = (name: string, from: number, to: number): Platform[] =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => ({ os, architecture: name, variant: `v${from - i}` }));
  const number = Number(/^v(\d+)$/.exec(variant ?? '')?.[1] ?? 0);
  if (architecture === 'arm') return number === 0 ? [{ os, architecture, ...(variant && { variant }) }] : down('arm', number, 5);
  if (architecture === 'arm64') {
    const own = { os, architecture };
    return [...(variant ? [{ ...own, variant }, ...down('arm64', number - 1, 9)] : []), own, ...down('arm', 8, 5)];
  }
  if (architecture === 'amd64') return [...down('amd64', number, 2), { os, architecture }, { os, architecture: '386' }];
  return [{ os, architecture, ...(variant && { variant }) }];
}

/** How well an image fits, 0 the best; undefined when it does not run there. */
export function matchPlatform(wanted: Platform, offered: Platform): number | undefined {
  const text = formatPlatform(normalizePlatform(offered));
  const place = runnable(wanted).findIndex((candidate) => formatPlatform(candidate) === text);
  return place < 0 ? undefined : place;
}

/** The entries that run there, the best first; entries without a platform are not judged, and come last. */
export function selectPlatform<T extends { platform?: Platform }>(entries: readonly T[], wanted: Platform): T[] {
  const judged = entries.map((entry) => ({
    entry,
    place: entry.platform ? matchPlatform(wanted, entry.platform) : Number.MAX_SAFE_INTEGER,
  }));
  return judged
    .filter(({ place }) => place !== undefined)
    .sort((a, b) => (a.place as number) - (b.place as number))
    .map(({ entry }) => entry);
}
