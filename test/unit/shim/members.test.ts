import { describe, expect, it } from 'vitest';
import { membersOf } from '../../../src/shim/members.ts';

describe('what a shim process holds', () => {
  it('is empty at first, and may end then', () => {
    const members = membersOf();
    expect(members.empty).toBe(true);
    expect(members.close()).toBe(true);
    expect(members.join('a', '/a')).toBe(false);
  });

  it('may not end while a container is promised, or there', () => {
    const members = membersOf();
    expect(members.join('a', '/a')).toBe(true);
    expect(members.close()).toBe(false);
    members.created('a');
    expect(members.has('a')).toBe(true);
    expect(members.close()).toBe(false);
    members.deleted('a');
    expect(members.close()).toBe(true);
  });

  it('keeps nothing of what is gone, and names what is left', () => {
    const members = membersOf();
    for (const id of ['a', 'b', 'c']) {
      members.join(id, `/${id}`);
      members.created(id);
    }
    expect(members.deleted('c')).toBe('/b');
    expect(members.leave('b')).toBe('/a');
    expect(members.leave('b')).toBe('/a');
    expect(members.deleted('a')).toBeUndefined();
  });

  it('forgets a promise after two minutes: containerd was killed', () => {
    let now = 0;
    const members = membersOf(() => now);
    members.join('a', '/a');
    now = 119_000;
    expect(members.empty).toBe(false);
    now = 121_000;
    expect(members.empty).toBe(true);
  });

  it('names a bundle of those that are left, the newest', () => {
    const members = membersOf();
    for (const id of ['a', 'b', 'c']) members.join(id, `/${id}`);
    expect(members.leave('c')).toBe('/b');
    expect(members.leave('a')).toBe('/b');
    expect(members.leave('b')).toBeUndefined();
    expect(members.empty).toBe(true);
  });
});
