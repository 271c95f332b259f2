/** `minirun info` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { packageVersion } from '../../version.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { objectText } from '../output/listing.ts';
import { binarySize } from '../output/units.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun info', 'Show what the daemon says about itself and its machine.')
      .option('-f, --format <FORMAT>', "'json', or a Go template such as '{{.Driver}}'")
      .usage('[options]'),
    ["info -f '{{.ServerVersion}} {{.CgroupVersion}}'", 'two fields'],
  );

export interface Info {
  [field: string]: unknown;
  SecurityOptions?: string[] | null;
  Warnings?: string[] | null;
  DriverStatus?: [string, string][] | null;
  Runtimes?: Record<string, unknown>;
  Plugins?: { Volume?: string[] | null; Network?: string[] | null; Log?: string[] | null };
  Labels?: string[] | null;
  RegistryConfig?: { InsecureRegistryCIDRs?: string[]; Mirrors?: string[] | null; IndexConfigs?: Record<string, { Secure: boolean }> };
}

/** Label and value of each line; Docker's words and order. */
export function infoText(info: Info, url: string): string {
  const line = (label: string, value: unknown, depth = 1): string =>
    value === undefined || value === '' || value === null ? '' : `${' '.repeat(depth)}${label}: ${value}\n`;
  const list = (values: readonly string[] | null | undefined) => (values ?? []).join(' ');
  const insecure = [
    ...Object.entries(info.RegistryConfig?.IndexConfigs ?? {}).flatMap(([name, { Secure }]) => (Secure ? [] : [name])),
    ...(info.RegistryConfig?.InsecureRegistryCIDRs ?? []),
  ];
  return [
    'Client:\n',
    line('Version', packageVersion()),
    line('Daemon', url),
    '\nServer:\n',
    line('Containers', info.Containers),
    line('Running', info.ContainersRunning, 2),
    line('Paused', info.ContainersPaused, 2),
    line('Stopped', info.ContainersStopped, 2),
    line('Images', info.Images),
    line('Server Version', info.ServerVersion),
    line('Storage Driver', info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => line(name, value, 2)),
    line('Logging Driver', info.LoggingDriver),
    line('Cgroup Driver', info.CgroupDriver),
    line('Cgroup Version', info.CgroupVersion),
    ' Plugins:\n',
    line('Volume', list(info.Plugins?.Volume), 2),
    line('Network', list(info.Plugins?.Network), 2),
    line('Log', list(info.Plugins?.Log), 2),
    line('Runtimes', Object.keys(info.Runtimes ?? {}).join(' ')),
    line('Default Runtime', info.DefaultRuntime),
    info.SecurityOptions?.length
      ? ` Security Options:\n${info.SecurityOptions.map((option) => `  ${option.replace(/^name=/, '')}\n`).join('')}`
      : '',
    line('Kernel Version', info.KernelVersion),
    line('Operating System', info.OperatingSystem),
    line('OSType', info.OSType),
    line('Architecture', info.Architecture),
    line('CPUs', info.NCPU),
    line('Total Memory', typeof info.MemTotal === 'number' ? binarySize(info.MemTotal) : undefined),
    line('Name', info.Name),
    line('ID', info.ID),
    line('Docker Root Dir', info.DockerRootDir),
    line('Debug Mode', info.Debug),
    info.Labels?.length ? ` Labels:\n${info.Labels.map((label) => `  ${label}\n`).join('')}` : '',
    line('Experimental', info.ExperimentalBuild),
    insecure.length > 0 ? ` Insecure Registries:\n${insecure.map((name) => `  ${name}\n`).join('')}` : '',
    line('Live Restore Enabled', info.LiveRestoreEnabled),
    ...(info.Warnings ?? []).map((warning) => `\n${warning}`),
  ].join('');
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { format } = parsed.opts<{ format?: string }>();
  const connection = await connect(context);
  const info = await ask<Info>(connection, '/info');
  const client = { ClientInfo: { Version: packageVersion(), Context: context.contextName ?? 'default' } };
  process.stdout.write(
    format === undefined ? `${infoText(info, connection.address.url).trimEnd()}\n` : objectText({ ...info, ...client }, format),
  );
  return 0;
}
