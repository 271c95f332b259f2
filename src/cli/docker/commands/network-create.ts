/** `minirun network create [options] NAME` */
import { writeSync } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { mapOf } from '../container/values.ts';

interface Flags {
  driver?: string;
  subnet?: string[];
  gateway?: string[];
  ipRange?: string[];
  auxAddress?: string[];
  ipamDriver?: string;
  ipamOpt?: string[];
  internal?: boolean;
  attachable?: boolean;
  ipv4?: boolean;
  ipv6?: boolean;
  label?: string[];
  opt?: string[];
  scope?: string;
}

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network create', 'Make a network that containers can join.')
      .option('-d, --driver <NAME>', 'what kind (default: bridge)')
      .option('--subnet <CIDR>', 'its addresses, such as 172.30.0.0/16', gather)
      .option('--gateway <ADDRESS>', 'the address of this machine in it', gather)
      .option('--ip-range <CIDR>', 'the part of the subnet that containers get addresses from', gather)
      .option('--aux-address <NAME=ADDRESS>', 'an address that is in use already', gather)
      .option('--ipam-driver <NAME>', 'who gives addresses')
      .option('--ipam-opt <NAME=VALUE>', 'an option of that driver', gather)
      .option('--internal', 'without a way out')
      .option('--attachable', 'containers may join by hand')
      .option('--ipv4', 'with IPv4 addresses (the default)')
      .option('--no-ipv4', 'without')
      .option('--ipv6', 'with IPv6 addresses too')
      .option('--label <NAME=VALUE>', 'a label', gather)
      .option('-o, --opt <NAME=VALUE>', 'an option of the driver', gather)
      .option('--scope <SCOPE>', 'local, or swarm')
      .usage('[options] NAME'),
    ['network create shop', 'containers in it know each other by name'],
    ['network create --subnet 172.30.0.0/16 --gateway 172.30.0.1 shop', 'with addresses of your choice'],
  );

/** Which range, gateway and extra addresses belong to which subnet. */
function ipamConfig(flags: Flags): object[] {
  const subnets = flags.subnet ?? [];
  const family = (address: string) => address.includes(':');
  const of = (list: readonly string[] | undefined, subnet: string) => list?.find((address) => family(address) === family(subnet));
  if (subnets.length === 0 && (flags.gateway || flags.ipRange || flags.auxAddress))
    throw new UsageError('every ip-range, gateway and aux-address needs a --subnet that it lies in');
  return subnets.map((Subnet) => {
    const Gateway = of(flags.gateway, Subnet);
    const IPRange = of(flags.ipRange, Subnet);
    const aux = Object.fromEntries(
      Object.entries(mapOf(flags.auxAddress ?? [])).filter(([, address]) => family(address) === family(Subnet)),
    );
    return {
      Subnet,
      ...(IPRange === undefined ? {} : { IPRange }),
      ...(Gateway === undefined ? {} : { Gateway }),
      ...(Object.keys(aux).length > 0 ? { AuxiliaryAddresses: aux } : {}),
    };
  });
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [Name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['NAME']);
  const flags = parsed.opts<Flags>();
  const body = {
    Name,
    Driver: flags.driver ?? 'bridge',
    IPAM: { Driver: flags.ipamDriver ?? 'default', Options: mapOf(flags.ipamOpt ?? []), Config: ipamConfig(flags) },
    Internal: flags.internal === true,
    Attachable: flags.attachable === true,
    Options: mapOf(flags.opt ?? []),
    Labels: mapOf(flags.label ?? []),
    ...(flags.scope === undefined ? {} : { Scope: flags.scope }),
    ...(flags.ipv6 === undefined ? {} : { EnableIPv6: flags.ipv6 }),
    ...(flags.ipv4 === undefined ? {} : { EnableIPv4: flags.ipv4 }),
    CheckDuplicate: true,
  };
  const { Id, Warning } = await ask<{ Id: string; Warning?: string }>(await connect(context), '/networks/create', { method: 'POST', body });
  if (Warning) writeSync(2, `WARNING: ${Warning}\n`);
  process.stdout.write(`${Id}\n`);
  return 0;
}
