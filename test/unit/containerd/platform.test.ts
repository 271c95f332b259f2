import { describe, expect, it } from 'vitest';
import {
  defaultPlatform,
  formatPlatform,
  matchPlatform,
  normalizePlatform,
  parsePlatform,
  selectPlatform,
} from '../../../src/containerd/registry/platform.ts';

describe('platforms', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['LINUX/AMD64', 'linux/amd64'],
    ['windows/amd64', 'windows/amd64'],
  ])('%s is %s', (text, expected) => expect(formatPlatform(parsePlatform(text))).toBe(expected));

  it('takes the rest from this machine', () => {
    const { os, architecture } = defaultPlatform();
    expect(parsePlatform('riscv64')).toEqual({ os, architecture: 'riscv64' });
    expect(parsePlatform('windows')).toMatchObject({ os: 'windows', architecture });
  });

  it.each(['', 'a/b/c/d', 'nonsense', 'linux/', 'linux/a b'])('%j is refused', (text) =>
    expect(() => parsePlatform(text)).toThrow(/platform|unknown/),
  );

  it.each([
    ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8', 'linux/amd64'], 'linux/arm64'],
    ['linux/arm64', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm64'], 'linux/arm/v6'],
    ['linux/arm/v6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5'],
    ['linux/amd64', ['linux/386', 'linux/amd64'], 'linux/amd64'],
    ['linux/amd64', ['linux/386', 'windows/amd64'], 'linux/386'],
    ['linux/amd64', ['linux/amd64/v3'], undefined],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['linux/amd64', ['unknown/unknown', 'linux/s390x'], undefined],
  ])('%s chooses from %j: %s', (wanted, offered, expected) => {
    const entries = offered.map((text) => {
      const [os = '', architecture = '', variant] = text.split('/');
      return { platform: { os, architecture, ...(variant && { variant }) } };
    });
    const [best] = selectPlatform(entries, parsePlatform(wanted));
    expect(best && formatPlatform(normalizePlatform(best.platform))).toBe(expected);
  });

  it('leaves what has no platform for last', () => {
    const entries = [{ name: 'none' }, { name: 'own', platform: { os: 'linux', architecture: 'amd64' } }];
    expect(selectPlatform(entries, parsePlatform('linux/amd64')).map(({ name }) => name)).toEqual(['own', 'none']);
    expect(matchPlatform(parsePlatform('linux/amd64'), { os: 'linux', architecture: 's390x' })).toBeUndefined();
  });
});
