import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NameInUseError, reserve } from '../../src/runc/container/state.ts';

describe('reserve', () => {
  const root = mkdtempSync(join(tmpdir(), 'minirun-state-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('takes id and name together', () => {
    expect(reserve(root, 'a1', 'otter')).toBe(join(root, 'a1'));
    expect(readFileSync(join(root, '.names/otter'), 'utf8')).toBe('a1');
  });

  it('refuses a name that is in use, and leaves nothing of the one who wanted it', () => {
    expect(() => reserve(root, 'b2', 'otter')).toThrow(NameInUseError);
    expect(existsSync(join(root, 'b2'))).toBe(false);
    expect(readFileSync(join(root, '.names/otter'), 'utf8')).toBe('a1');
  });

  it('refuses an id that is in use, and leaves its name alone', () => {
    expect(() => reserve(root, 'a1', 'heron')).toThrow(/already exists: a1/);
    expect(existsSync(join(root, '.names/heron'))).toBe(false);
  });

  it('takes the name of a container that is gone', () => {
    writeFileSync(join(root, '.names/finch'), 'gone');
    reserve(root, 'c3', 'finch');
    expect(readFileSync(join(root, '.names/finch'), 'utf8')).toBe('c3');
  });
});
