/** `minirun port CONTAINER [PORT[/PROTOCOL]]` */
import type { Command } from 'commander';
import type { ContainerInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { CommandFailed } from '../connect/failed.ts';
import { ask } from '../connect/request.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun port', 'List the published ports of a container.').usage('CONTAINER [PORT[/PROTOCOL]]'),
    ['port web', 'all of them'],
    ['port web 80/tcp', "where the container's port 80 is reached"],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = '', wanted] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER', '[PORT]']);
  const { NetworkSettings } = await ask<ContainerInspectInfo>(await connect(context), `/containers/${name}/json`);
  const ports = (NetworkSettings.Ports ?? {}) as Record<string, { HostIp: string; HostPort: string }[] | null>;
  const address = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }) =>
    `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`;
  if (wanted !== undefined) {
    const key = wanted.includes('/') ? wanted : `${wanted}/tcp`;
    const bindings = ports[key];
    if (!bindings?.length) throw new CommandFailed(`no public port '${key}' published for ${name}`);
    process.stdout.write(bindings.map((binding) => `${address(binding)}\n`).join(''));
    return 0;
  }
  const lines = Object.entries(ports).flatMap(([key, bindings]) => (bindings ?? []).map((binding) => `${key} -> ${address(binding)}\n`));
  process.stdout.write(lines.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).join(''));
  return 0;
}
