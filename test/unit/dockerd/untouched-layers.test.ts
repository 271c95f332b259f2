import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { untouchedLayers } from '../../../src/dockerd/container/users.ts';

let upper = '';
beforeEach(() => {
  upper = mkdtempSync(join(tmpdir(), 'minirun-upper-'));
});
afterEach(() => rmSync(upper, { recursive: true, force: true }));

const overlay = (...options: string[]) => ({ type: 'overlay', source: 'overlay', target: '', options });

it('are known by their folders while nothing has been written over them', () => {
  const mount = overlay('index=off', 'workdir=/w', `upperdir=${upper}`, 'lowerdir=/layers/2/fs:/layers/1/fs');
  expect(untouchedLayers([mount])).toBe('/layers/2/fs:/layers/1/fs');
  mkdirSync(join(upper, 'etc'));
  expect(untouchedLayers([mount])).toBe(undefined);
});

it('are not told of where nothing says that nothing was written', () => {
  expect(untouchedLayers([overlay(`upperdir=${upper}/absent`, 'lowerdir=/l')])).toBe(undefined);
  expect(untouchedLayers([overlay('lowerdir=/layers/2/fs:/layers/1/fs')])).toBe(undefined);
  expect(untouchedLayers([{ type: 'bind', source: '/folder', target: '', options: ['rw', 'rbind'] }])).toBe(undefined);
  expect(untouchedLayers([])).toBe(undefined);
});
