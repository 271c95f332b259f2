import { describe, expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '../../../src/dockerd/container/config.ts';
import { checkCreate } from '../../../src/dockerd/container/spec/check-create.ts';
import { mergeImage } from '../../../src/dockerd/container/spec/merge-image.ts';
import { type OciConfigInput, ociConfig } from '../../../src/dockerd/container/spec/oci-config.ts';
import { userOf } from '../../../src/dockerd/container/spec/user.ts';
import type { Config } from '../../../src/runc/spec/config.ts';
import { checkConfig } from '../../../src/runc/spec/validate.ts';
import { FACTS, OPTIONS } from './spec-sample.ts';

const ID = '0123456789abcdef'.repeat(4);
const FILES = { passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n', group: 'root:x:0:\naudio:x:29:web\nvideo:x:44:\n' };

/** The config.json of a container, checked against the runtime's rules. */
function made(hostConfig: HostConfig = {}, config: ContainerConfig = {}, more: Partial<OciConfigInput> = {}): Config {
  const merged = mergeImage({ Cmd: ['sh'], ...config }, { Env: ['PATH=/image/bin', 'A=image'], WorkingDir: '/srv' });
  const checked = checkCreate(merged, hostConfig, { ...FACTS, ...more.facts }, OPTIONS);
  const oci = ociConfig({
    container: { Id: ID, Config: checked.config, HostConfig: checked.hostConfig },
    rootfs: '/rootfs',
    user: userOf(checked.config.User ?? '', hostConfig.GroupAdd ?? [], FILES),
    mounts: [],
    files: { hosts: '/c/hosts', hostname: '/c/hostname', resolvConf: '/c/resolv.conf' },
    network: undefined,
    joined: {},
    devices: {},
    facts: FACTS,
    options: OPTIONS,
    ...more,
  });
  return checkConfig(oci, 'made');
}
const mount = (config: Config, destination: string) => config.mounts?.find((m) => m.destination === destination);

describe('a container of which nothing was asked', () => {
  test('is what dockerd makes', () => {
    const { process, hostname, linux, root } = made();
    expect(process).toMatchObject({ args: ['sh'], cwd: '/srv', terminal: false, user: { uid: 0, gid: 0, additionalGids: [0] } });
    expect(process?.env).toEqual(['PATH=/image/bin', 'HOSTNAME=0123456789ab', 'A=image']);
    expect(hostname).toBe('0123456789ab');
    expect(root).toEqual({ path: '/rootfs', readonly: false });
    expect(linux?.cgroupsPath).toBe(`/docker/${ID}`);
    expect(linux?.namespaces?.map((n) => n.type)).toEqual(['mount', 'network', 'uts', 'pid', 'ipc']);
    expect(mount(made(), '/etc/hosts')).toMatchObject({ type: 'bind', source: '/c/hosts', options: ['rbind', 'rprivate'] });
    expect(mount(made(), '/dev/shm')?.options).toContain('size=67108864');
  });
});
