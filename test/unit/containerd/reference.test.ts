import { describe, expect, it } from 'vitest';
import {
  familiarReference,
  formatReference,
  objectOf,
  parseReference,
  registryHost,
  withDefaultTag,
} from '../../../src/containerd/registry/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const full = (text: string) => formatReference(withDefaultTag(parseReference(text)));

describe('references', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['localhost/a', 'localhost/a:latest', 'localhost/a:latest'],
    ['localhost:5000/a/b/c:x', 'localhost:5000/a/b/c:x', 'localhost:5000/a/b/c:x'],
    ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
    ['ghcr.io/a/b_c/d__e/f-g.h', 'ghcr.io/a/b_c/d__e/f-g.h:latest', 'ghcr.io/a/b_c/d__e/f-g.h:latest'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
    ['MyHost/a', 'MyHost/a:latest', 'MyHost/a:latest'],
  ])('%s is %s', (text, expected, familiar) => {
    expect(full(text)).toBe(expected);
    expect(familiarReference(withDefaultTag(parseReference(text)))).toBe(familiar);
    expect(full(expected)).toBe(expected);
  });

  it.each([
    ['Busybox', /^invalid reference format: repository name \(library\/Busybox\) must be lowercase/],
    ['localhost:5000/A/b', /must be lowercase/],
    ['', /^invalid reference format/],
    [':x', /^invalid reference format/],
    ['a:', /^invalid reference format/],
    ['a:b:c', /^invalid reference format/],
    ['a b', /^invalid reference format/],
    ['a//b', /^invalid reference format/],
    ['a/../b', /^invalid reference format/],
    ['https://a.b/c', /^invalid reference format/],
    ['-a', /^invalid reference format/],
    [`a:${'t'.repeat(129)}`, /^invalid reference format/],
    [`a@sha256:${'a'.repeat(63)}`, /^invalid reference format.*length/],
    [`a@sha256:${'A'.repeat(64)}`, /^invalid reference format/],
    [`a@md5:${'a'.repeat(32)}`, /^invalid reference format.*algorithm/],
    ['a@', /^invalid reference format/],
    ['a'.repeat(256), /must not be more than 255 characters/],
    ['f'.repeat(64), /cannot specify 64-byte hexadecimal strings/],
  ])('%j is refused', (text, message) => {
    try {
      parseReference(text);
    } catch (error) {
      expect((error as { rawMessage: string }).rawMessage).toMatch(message);
      return;
    }
    expect.unreachable();
  });

  it('asks for the digest rather than the tag, and Docker Hub at its own host', () => {
    expect(objectOf(parseReference(`a:1@${DIGEST}`))).toBe(DIGEST);
    expect(objectOf(parseReference('a'))).toBe('latest');
    expect(registryHost('docker.io')).toBe('registry-1.docker.io');
    expect(registryHost('localhost:5000')).toBe('localhost:5000');
  });
});
