import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../src/shim/flags.ts';
import { groupOf, socketPath } from '../../../src/shim/grouping.ts';

describe('flags, as Go writes them', () => {
  it('takes one dash or two, with a space or an equals sign', () => {
    const words = ['-namespace', 'moby', '--address=/a=b.sock', '-publish-binary', '/usr/bin/containerd', '-id=x', '-debug', 'start'];
    expect(parseFlags(words)).toMatchObject({
      namespace: 'moby',
      address: '/a=b.sock',
      publishBinary: '/usr/bin/containerd',
      id: 'x',
      debug: true,
      action: 'start',
    });
    expect(parseFlags(['-debug=false', '-v'])).toMatchObject({ debug: false, version: true });
    expect(parseFlags(['-id', '-id', 'delete'])).toMatchObject({ id: '-id', action: 'delete' });
  });

  it('refuses what it does not know', () => {
    expect(() => parseFlags(['-nope', 'start'])).toThrow('flag provided but not defined: -nope');
    expect(() => parseFlags(['-id'])).toThrow('flag needs an argument: -id');
  });
});

describe('groups', () => {
  const config = (annotations?: Record<string, string>) => JSON.stringify({ annotations });

  it('are the namespace, unless a label says more', () => {
    expect(groupOf(config(), 'x', undefined)).toEqual({ kind: 'namespace' });
    expect(groupOf(config({ 'io.containerd.runc.v2.group': 'g', 'io.kubernetes.cri.sandbox-id': 's' }), 'x', undefined)).toEqual({
      kind: 'label',
      name: 'g',
    });
    expect(groupOf(config({ 'io.kubernetes.cri.sandbox-id': 's' }), 'x', 'container')).toEqual({ kind: 'label', name: 's' });
    expect(groupOf(config(), 'x', 'container')).toEqual({ kind: 'container', name: 'x' });
  });

  it('have a socket each, whose path fits into 108 bytes', () => {
    const where = (address: string, namespace: string, group: Parameters<typeof socketPath>[1]) =>
      socketPath({ address, namespace }, group);
    const paths = [
      where('/a', 'n', { kind: 'namespace' }),
      where('/b', 'n', { kind: 'namespace' }),
      where('/a', 'm', { kind: 'namespace' }),
      where('/a', 'n', { kind: 'label', name: 'g'.repeat(500) }),
      where('/a', 'n', { kind: 'container', name: 'c' }),
    ];
    expect(new Set(paths).size).toBe(paths.length);
    for (const path of paths) expect(path.length).toBeLessThan(108);
    // FNV-1a of "/a/n/", which native/minirun-shim.c must come to as well.
    expect(paths[0]).toBe('/run/containerd/s/minirun-ba8d85451bd3bbf5');
  });
});
