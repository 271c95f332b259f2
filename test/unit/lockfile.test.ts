import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/runc/engine/installed.ts';

interface Lock {
  packages: Record<string, { version?: string; resolved?: string; dependencies?: object; optionalDependencies?: object }>;
}

const lock = JSON.parse(readFileSync(join(packageRoot(), 'package-lock.json'), 'utf8')) as Lock;

it('names every package that another one wants, also those for other machines', () => {
  // Written where a registry lacked one of them, the file makes `npm ci` fail everywhere.
  const absent = Object.entries(lock.packages).flatMap(([path, p]) =>
    Object.keys({ ...p.dependencies, ...p.optionalDependencies })
      .filter((name) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${path}/node_modules/${name}`])
      .map((name) => `${name}, which ${path || 'the project'} wants`),
  );
  expect(absent).toEqual([]);
});

it('names no registry', () => {
  expect(Object.entries(lock.packages).filter(([, p]) => p.resolved !== undefined)).toEqual([]);
});
