/** `minirun version` */
import { arch } from 'node:os';
import type { Command } from 'commander';
import type { DockerVersion } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { describe } from '../../failure.ts';
import { packageVersion } from '../../version.ts';
import { objectText } from '../output/listing.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun version', 'Show the versions of this client, and of the daemon if one runs.')
      .option('-f, --format <FORMAT>', "'json', or a Go template such as '{{.Server.Version}}'")
      .usage('[options]'),
    ["version -f '{{.Server.APIVersion}}'", 'one field'],
  );

/** Go's names of processors. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { format } = parsed.opts<{ format?: string }>();
  const client = {
    Platform: { Name: 'minirun' },
    Version: packageVersion(),
    ApiVersion: '1.50',
    Os: 'linux',
    Arch: ARCHITECTURES[arch()] ?? arch(),
    NodeVersion: process.version,
    Context: context.contextName ?? 'default',
  };
  let server: DockerVersion | undefined;
  let problem = '';
  try {
    const { connectIfThere } = await import('../connect/connect.ts');
    const connection = await connectIfThere({ ...context, rootGiven: false });
    if (connection) {
      const { ask } = await import('../connect/request.ts');
      server = await ask<DockerVersion>(connection, '/version');
      client.ApiVersion = connection.apiVersion;
    }
  } catch (error) {
    problem = await describe(error);
  }
  if (format === undefined) process.stdout.write(versionText(client, server));
  else process.stdout.write(objectText({ Client: client, Server: server ?? null }, format));
  if (problem !== '') process.stderr.write(problem);
  return problem === '' ? 0 : 1;
}

function versionText(client: Record<string, unknown>, server: DockerVersion | undefined): string {
  const lines = (rows: [string, unknown][]) =>
    rows.map(([label, value]) => (value === undefined || value === '' ? '' : ` ${`${label}:`.padEnd(17)} ${value}\n`)).join('');
  const head = `Client: minirun\n${lines([
    ['Version', client.Version],
    ['API version', client.ApiVersion],
    ['Node version', client.NodeVersion],
    ['OS/Arch', `${client.Os}/${client.Arch}`],
    ['Context', client.Context],
  ])}`;
  if (!server) return `${head}\nServer: minirund does not run; the first command that needs it starts it\n`;
  const { Components = [] } = server as unknown as { Components?: { Name: string; Version: string; Details?: Record<string, string> }[] };
  const body = Components.map(({ Name, Version, Details = {} }) => {
    const rows: [string, unknown][] = [['Version', Version]];
    if (Name === 'Engine')
      rows.push(
        ['API version', `${server.ApiVersion} (minimum version ${server.MinAPIVersion})`],
        ['Git commit', Details.GitCommit],
        ['Built', Details.BuildTime],
        ['OS/Arch', `${server.Os}/${server.Arch}`],
        ['Kernel', server.KernelVersion],
        ['Experimental', Details.Experimental],
      );
    else rows.push(['GitCommit', Details.GitCommit]);
    return ` ${Name}:\n${lines(rows)
      .split('\n')
      .map((line) => (line ? ` ${line}\n` : ''))
      .join('')}`;
  }).join('');
  const platform = (server as { Platform?: { Name?: string } }).Platform?.Name;
  return `${head}\nServer: ${platform || 'Docker Engine'}\n${
    body ||
    lines([
      ['Version', server.Version],
      ['API version', server.ApiVersion],
    ])
  }`;
}
