import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/runc/engine/installed.ts';

it('the Vagrantfile is valid', (context) => {
  if (spawnSync('vagrant', ['--version']).error) context.skip('vagrant is not installed (apt-get install vagrant)');
  const home = mkdtempSync(join(tmpdir(), 'minirun-vagrant-'));
  try {
    // Without a provider here (VirtualBox, libvirt) only what concerns none can be checked.
    const done = spawnSync('vagrant', ['validate', '--ignore-provider'], {
      cwd: packageRoot(),
      encoding: 'utf8',
      env: { ...process.env, VAGRANT_HOME: home, VAGRANT_DOTFILE_PATH: join(home, 'dot'), VAGRANT_CHECKPOINT_DISABLE: '1' },
    });
    expect(done.stderr).toBe('');
    expect(done.stdout).toContain('validated successfully');
    expect(done.status).toBe(0);
  } finally {
    rmSync(home, { recursive: true });
  }
}, 60_000);
