/** Building Go programs with nothing but Debian's packages: no module proxy is asked. */
import { join } from 'node:path';
import { must } from './cache.ts';

/** GOPATH mode: imports come from the source's own vendor/, then from golang-*-dev packages. */
const goEnvironment = (cache: string) => ({
  ...process.env,
  GO111MODULE: 'off',
  GOFLAGS: '',
  GOPATH: `${join(cache, 'gopath')}:/usr/share/gocode`,
  GOCACHE: join(cache, 'go-build'),
});

/** Where the source of an import path has to lie. */
export const goFolder = (cache: string, path: string): string => join(cache, 'gopath', 'src', path);

/**
 * @param cwd the package's folder
 * @param program name of the program, in that folder
 */
export function goBuild(cache: string, cwd: string, program: string, options: { tags?: string; cgo?: boolean } = {}): void {
  const argv = ['go', 'build', '-tags', options.tags ?? '', '-o', program, '.'];
  must(argv, { cwd, env: { ...goEnvironment(cache), CGO_ENABLED: options.cgo ? '1' : '0' } });
}
