import { describe, expect, it } from 'vitest';
import { importsOf, layering, violations } from '../../scripts/layering.mjs';

const allowed = {
  libc: [],
  'runc/program': ['libc'],
  runc: ['libc'],
  explain: ['runc/program', 'runc/engine/observer.ts'],
  cli: ['explain', 'runc'],
};

describe('layering', () => {
  it('sees every form of import, types too, and not comments', () => {
    const source = `
import { a } from './a.ts';
import type { B } from "./b.ts";
import './c.ts';
export * from './d.ts';
const e = await import('./e.ts');
const f = createRequire(import.meta.url)('koffi');
type G = typeof import('koffi');
import {
  h,
} from './h.ts';
// import x from './x.ts'
/* import y from './y.ts' */`;
    expect(importsOf(source).map((i) => i.module)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', 'koffi', 'koffi', './h.ts']);
    expect(importsOf(source)[1]?.line).toBe(3);
  });

  it('lets a layer use what is below it', () => {
    expect(violations('cli/run.ts', `import '../runc/engine/native.ts'; import 'node:fs';`, allowed)).toEqual([]);
    expect(violations('explain/text.ts', `import type { O } from '../runc/engine/observer.ts';`, allowed)).toEqual([]);
  });

  it('names the file, the line and the rule when an import points upward', () => {
    expect(violations('runc/program/step.ts', `\nimport type { X } from '../../cli/main.ts';`, allowed)).toEqual([
      'src/runc/program/step.ts:2: runc/program may not import cli/main.ts; it may import from libc',
    ]);
    expect(violations('explain/text.ts', `import '../runc/engine/native.ts';`, allowed)).toHaveLength(1);
  });

  it('keeps koffi in libc, and sources in src', () => {
    expect(violations('runc/state.ts', `type K = typeof import('koffi');`, allowed)).toHaveLength(1);
    expect(violations('libc/ffi.ts', `createRequire(import.meta.url)('koffi')`, allowed)).toEqual([]);
    expect(violations('libc/ffi.ts', `import '../../scripts/shell.mjs'`, allowed)).toHaveLength(1);
  });

  it('refuses a folder that no rule names', () => {
    expect(violations('podman/x.ts', '', allowed)).toHaveLength(1);
  });

  it('holds for the whole of src/', () => {
    expect(layering()).toEqual([]);
  });
});
