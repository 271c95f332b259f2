/** The command line of `exec`, typed. */
import type { Command } from 'commander';
import type { EngineName } from '../runc/engine/launch.ts';
import { addCommandOptions, addNarrationOptions } from './run-options.ts';

export interface ExecOptions {
  interactive: boolean;
  tty: boolean;
  detach: boolean;
  env: string[];
  envFiles: string[];
  workdir?: string;
  user?: string;
  privileged: boolean;
  detachKeys?: string;
  engine?: EngineName;
  explain?: 'text' | 'json';
  explainTo?: string;
  explainNumbers: boolean;
  step: boolean;
}

export function addExecOptions(command: Command): Command {
  addCommandOptions(command)
    .option('-d, --detach', 'do not wait for it')
    .option('--privileged', 'all capabilities that minirun has')
    .option('--detach-keys <KEYS>', "keys that leave a terminal of the daemon's (default ctrl-p,ctrl-q)")
    .optionsGroup('minirun:');
  return addNarrationOptions(command);
}

export function execOptions(command: Command): ExecOptions {
  const o = command.opts();
  return {
    interactive: o.interactive === true,
    tty: o.tty === true,
    detach: o.detach === true,
    env: o.env ?? [],
    envFiles: o.envFile ?? [],
    privileged: o.privileged === true,
    explainNumbers: o.explainNumbers === true,
    step: o.step === true,
    detachKeys: o.detachKeys,
    workdir: o.workdir,
    user: o.user,
    engine: o.engine,
    explain: o.explain,
    explainTo: o.explainTo,
  };
}
