/** Debian source packages, fetched without touching the machine's own apt configuration. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './cache.ts';

const FOLDER = '/etc/apt/sources.list.d';

/** The `deb-src` counterparts of the machine's own `deb` entries for Debian: sources.list(5), both formats. */
export function sourceEntries(files: { name: string; text: string }[]): { lines: string; stanzas: string } {
  const stanzas = files
    .filter((f) => f.name.endsWith('.sources'))
    .flatMap((f) => f.text.split(/\n\s*\n/))
    .filter((s) => /^URIs:.*debian/m.test(s) && /^Types:.*\bdeb\b/m.test(s))
    .map((s) =>
      s
        .replace(/^#.*\n/gm, '')
        .replace(/^Types:.*$/m, 'Types: deb-src')
        .trim(),
    );
  const lines = files
    .filter((f) => f.name.endsWith('.list'))
    .flatMap((f) => f.text.split('\n'))
    .filter((l) => /^deb\s.*debian/.test(l))
    .map((l) => l.replace(/^deb\b/, 'deb-src'));
  return { lines: lines.map((l) => `${l}\n`).join(''), stanzas: stanzas.map((s) => `${s}\n\n`).join('') };
}

function machineEntries(): { name: string; text: string }[] {
  const names = ['/etc/apt/sources.list', ...(existsSync(FOLDER) ? readdirSync(FOLDER).map((f) => join(FOLDER, f)) : [])];
  return names.filter((n) => existsSync(n)).map((name) => ({ name, text: readFileSync(name, 'utf8') }));
}

/** Options that give apt lists and sources of its own, below `folder`. */
function privateApt(folder: string): string[] {
  const parts = join(folder, 'sources.list.d');
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  mkdirSync(parts, { recursive: true });
  const { lines, stanzas } = sourceEntries(machineEntries());
  writeFileSync(join(parts, 'debian.list'), lines);
  writeFileSync(join(parts, 'debian.sources'), stanzas);
  const options = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': parts,
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    // The folder belongs to root; the user _apt could not write there, and apt would warn.
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/**
 * Unpacks the source package, Debian's patches applied, as `target`. $MINIRUN_CONFORMANCE_SOURCES/NAME,
 * when there is such a folder, is copied instead: for a machine whose mirror does not have the package.
 * @throws Error when apt cannot fetch it
 */
export function unpackSource(cache: string, name: string, target: string): void {
  const own = process.env.MINIRUN_CONFORMANCE_SOURCES && join(process.env.MINIRUN_CONFORMANCE_SOURCES, name);
  if (own && existsSync(own)) {
    cpSync(own, target, { recursive: true, verbatimSymlinks: true });
    return;
  }
  const downloads = join(cache, 'downloads', name);
  mkdirSync(downloads, { recursive: true });
  const options = privateApt(join(cache, 'apt'));
  try {
    must(['apt-get', '-qq', ...options, 'update']);
    must(['apt-get', '-qq', ...options, '--download-only', 'source', name], { cwd: downloads });
  } catch (error) {
    const [said = ''] = /E: .*/.exec((error as Error).message) ?? [(error as Error).message];
    throw new Error(
      `apt cannot fetch the source package ${name}; put its source into $MINIRUN_CONFORMANCE_SOURCES/${name} instead (${said})`,
    );
  }
  const dsc = readdirSync(downloads).find((f) => f.endsWith('.dsc'));
  if (!dsc) throw new Error(`apt-get source ${name} brought no .dsc file`);
  must(['dpkg-source', '--no-check', '-x', join(downloads, dsc), target]);
}
