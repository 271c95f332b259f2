/** `minirun network connect [options] NETWORK CONTAINER` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { parseInteger } from '../../sizes.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { mapOf } from '../container/values.ts';

interface Flags {
  alias?: string[];
  ip?: string;
  ip6?: string;
  link?: string[];
  linkLocalIp?: string[];
  driverOpt?: string[];
  gwPriority?: number;
}

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network connect', 'Join a container to a network; it may run meanwhile.')
      .option('--alias <NAME>', 'one more name for it in the network', gather)
      .option('--ip <ADDRESS>', 'its IPv4 address')
      .option('--ip6 <ADDRESS>', 'its IPv6 address')
      .option('--link <CONTAINER:NAME>', 'see another container under a name', gather)
      .option('--link-local-ip <ADDRESS>', 'a link-local address', gather)
      .option('--driver-opt <NAME=VALUE>', 'an option of the driver', gather)
      .option('--gw-priority <NUMBER>', 'the network with the highest one is the way out', (text: string) =>
        parseInteger('--gw-priority', text, -2147483648, 2147483647),
      )
      .usage('[options] NETWORK CONTAINER'),
    ['network connect --alias db shop postgres', 'others reach it as db'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [network, Container] = takeOperands(parsed, parseCommand(parsed, args), ['NETWORK', 'CONTAINER']);
  const flags = parsed.opts<Flags>();
  const IPAMConfig = {
    ...(flags.ip === undefined ? {} : { IPv4Address: flags.ip }),
    ...(flags.ip6 === undefined ? {} : { IPv6Address: flags.ip6 }),
    ...(flags.linkLocalIp ? { LinkLocalIPs: flags.linkLocalIp } : {}),
  };
  const EndpointConfig = {
    ...(Object.keys(IPAMConfig).length > 0 ? { IPAMConfig } : {}),
    ...(flags.alias ? { Aliases: flags.alias } : {}),
    ...(flags.link ? { Links: flags.link } : {}),
    ...(flags.driverOpt ? { DriverOpts: mapOf(flags.driverOpt) } : {}),
    ...(flags.gwPriority === undefined ? {} : { GwPriority: flags.gwPriority }),
  };
  await ask(await connect(context), `/networks/${network}/connect`, { method: 'POST', body: { Container, EndpointConfig } });
  return 0;
}
