/** Volumes, cp, diff, commit and build. */
import { describe, expect, test } from 'vitest';
import type { Everyday } from './commands.ts';

export function files({ isDocker, ok, callsOf, engine, idling }: Everyday): void {
  describe('files and images', () => {
    test('volumes, cp, diff, commit, and a build', async () => {
      const { place } = engine();
      await idling('files', ['-v', 'things:/things'], async () => {
        await ok(['exec', 'files', 'sh', '-c', 'echo kept > /things/file; echo new > /made']);
        await place.run(['sh', '-c', `echo copied > ${place.folder}/in`]);
        await ok(['cp', `${place.folder}/in`, 'files:/copied']);
        expect(await ok(['exec', 'files', 'cat', '/copied'])).toBe('copied');
        expect(await ok(['diff', 'files'])).toMatch(/A \/made/);
        await ok(['commit', 'files', 'committed']);
        expect(await ok(['run', '--rm', '--network', 'none', '-v', 'things:/t', 'committed', 'sh', '-c', 'cat /made /t/file'])).toBe(
          'new\nkept',
        );
      });
      await ok(['volume', 'rm', 'things']);
      const recipe = 'FROM busybox\nRUN echo built by $(id -u) > /built && test $$ -lt 10\nCMD cat /built\n';
      await place.run(['sh', '-c', `mkdir -p ${place.folder}/context && cat > ${place.folder}/context/Dockerfile`], { input: recipe });
      const network = ['--network', 'none'];
      const options = isDocker ? network : [...network, '--runtime', engine().runtime.path];
      const calls = await callsOf(() =>
        ok(['build', '-t', 'built', ...options, `${place.folder}/context`], { env: { DOCKER_BUILDKIT: '0' } }),
      );
      expect(calls.some((c) => /\bcreate\b/.test(c))).toBe(true);
      expect(await ok(['run', '--rm', '--network', 'none', 'built'])).toBe('built by 0');
    });
  });
}
