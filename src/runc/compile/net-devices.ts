/**
 * linux.netDevices: interfaces of the host that become the container's. The runtime, which is in
 * the host's network namespace, gives them away; init, which is in the container's, gives them
 * their addresses again and switches them on. They are not taken back: a physical one returns to
 * the host by itself when the last process of the namespace has ended, a virtual one ends with it.
 * Source: runtime-spec, config-linux.md, "Network Devices"; rtnetlink(7), network_namespaces(7).
 */
import { addressBody, IFA, IFF_UP, IFLA, linkBody, NLM_F, netlinkMessage, RTM, textValue } from '../../libc/netlink.ts';
import { type Host, kernelAtLeast, type NetDeviceFacts } from '../host/facts.ts';
import { bytes, data, i32, memory, struct, u16, u32 } from '../program/args.ts';
import { receiveInto, send, sendBytes, sendIov } from '../program/calls.ts';
import { type Expect, type Field, ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config } from '../spec/config.ts';
import { add, closeResult, type Draft, type Setting, signal, wait } from './draft.ts';
import { acknowledged, openNetlink, request } from './netlink.ts';

const FROM = '#/linux/netDevices';
const REQUEST = NLM_F.REQUEST | NLM_F.ACK;

interface Device {
  name: string;
  /** What it is called inside; with `%d` the kernel puts a number there. */
  inside: string;
  facts: NetDeviceFacts;
  /** The number that it gets inside, where its name cannot be known. */
  newIndex: number | undefined;
  from: string;
}

/** Above what kernels count up to in practice: free in every namespace. */
const TEMPLATE_INDEX = 1 << 24;

function devicesOf(draft: Draft): Device[] {
  return Object.entries(draft.config.linux?.netDevices ?? {}).flatMap(([name, { name: inside }]) => {
    const facts = draft.host.netDevices?.[name];
    if (!facts) return [];
    const newIndex = inside?.includes('%') ? TEMPLATE_INDEX + facts.index : undefined;
    return [{ name, inside: inside || name, facts, newIndex, from: `${FROM}/${name}` }];
  });
}

/** Why this machine cannot do what is asked, or undefined. */
export function netDevicesMissing(config: Config, host: Host): string | undefined {
  const devices = Object.entries(config.linux?.netDevices ?? {});
  if (!devices.length) return undefined;
  if (host.uid !== 0 || host.inUserNamespace)
    return `${FROM}: network devices are not supported for rootless containers: only root may give an interface of the host away`;
  for (const [name, { name: inside }] of devices) {
    if (!host.netDevices?.[name])
      return `${FROM}/${name}: link not found for interface ${name} on runtime namespace: the host has no network interface of that name (ip link shows them)`;
    if (inside?.includes('%') && !kernelAtLeast(host, 5, 13))
      return `${FROM}/${name}/name: a name with a number from the kernel (${inside}) needs Linux 5.13 or later; give it a whole name`;
  }
  return undefined;
}

/** Init and the runtime meet when the container's network namespace is there: the devices change sides. */
export function compileNetDevices(draft: Draft): void {
  const devices = devicesOf(draft);
  if (!devices.length) return;
  const init: Setting = { actor: 'init', chapter: 'identity', from: FROM };
  const runtime: Setting = { ...init, actor: 'runtime' };
  const inner = openNetlink(draft, init, 'rtnetlink.devices');
  for (const device of devices) if (device.newIndex === undefined) checkFree(draft, { ...init, from: device.from }, inner, device.inside);
  signal(draft, init, TOKENS.connected, "The container's network namespace is there: the runtime may move the interfaces into it.");
  wait(draft, runtime, TOKENS.connected, 'Interfaces can be moved into a network namespace once it exists.');
  const socket = openNetlink(draft, runtime, 'rtnetlink.host');
  for (const device of devices) giveAway(draft, { ...runtime, from: device.from }, socket, device);
  closeResult(draft, runtime, ref(socket));
  signal(draft, runtime, TOKENS.moved, 'The interfaces are there.');
  wait(draft, init, TOKENS.moved, 'Wait for the interfaces.');
  for (const device of devices) takeOver(draft, { ...init, from: device.from }, inner, device);
  closeResult(draft, init, ref(inner));
}

const NLMSG_ERROR = 2n;

/** A rename that fails comes after the move: the interface would be lost to the host, so it is looked for before. */
function checkFree(draft: Draft, setting: Setting, socket: string, inside: string): void {
  findLink(draft, setting, socket, inside, 'Is there an interface of that name in here already? Two cannot have one name.', {
    arg: 1,
    offset: 4,
    size: 2,
    mask: 0xffffn,
    equals: NLMSG_ERROR,
    otherwise: `The container's network namespace has an interface of the name ${inside} already; give the one that moves there another name.`,
  });
}

/** Asks for an interface by its name; the answer is kept. */
function findLink(draft: Draft, setting: Setting, socket: string, inside: string, why: string, expect: Expect): void {
  const message = netlinkMessage(RTM.RTM_GETLINK, NLM_F.REQUEST, linkBody(0), linkName(inside));
  add(draft, {
    ...setting,
    call: send(ref(socket), message, `{RTM_GETLINK, NLM_F_REQUEST, ${inside}}`),
    man: 'rtnetlink(7)',
    minor: true,
    why,
  });
  add(draft, {
    ...setting,
    call: receiveInto(ref(socket), 4096, answerOf(inside)),
    man: 'rtnetlink(7)',
    minor: true,
    why: 'The answer is the interface, or the error ENODEV.',
    expect: [expect],
  });
}

const answerOf = (inside: string): string => `link ${inside}`;

function giveAway(draft: Draft, setting: Setting, socket: string, { name, inside, facts, newIndex }: Device): void {
  request(draft, setting, socket, {
    message: netlinkMessage(RTM.RTM_NEWLINK, REQUEST, linkBody(facts.index, 0, IFF_UP)),
    shows: `{RTM_NEWLINK, NLM_F_REQUEST|NLM_F_ACK, index=${facts.index} (${name}), flags=0, change=IFF_UP}`,
    why: `Switch ${name} off, as \`ip link set ${name} down\` does: its name and place change only while nothing uses it.`,
    otherwise: `The kernel refused to switch off the interface ${name}.`,
  });
  const newName = textValue(inside);
  const attributes: Field[] = [
    u16('nla_len', 8),
    u16('nla_type', IFLA.NET_NS_PID),
    { name: 'net_ns_pid', type: 'u32', value: ref('init') },
    ...(newIndex === undefined ? [] : [u16('nla_len_2', 8), u16('nla_type_2', IFLA.NEW_IFINDEX), u32('new_ifindex', newIndex)]),
    u16('nla_len_3', 4 + newName.length),
    u16('nla_type_3', IFLA.IFNAME),
    bytes('ifname', data(Buffer.concat([newName, Buffer.alloc(-newName.length & 3)]), JSON.stringify(inside))),
  ];
  const length = 32 + 8 + (newIndex === undefined ? 0 : 8) + 4 + ((newName.length + 3) & ~3);
  add(draft, {
    ...setting,
    call: sendBytes(
      ref(socket),
      struct('rtm_newlink', [
        u32('nlmsg_len', length),
        u16('nlmsg_type', RTM.RTM_NEWLINK),
        u16('nlmsg_flags', REQUEST),
        u32('nlmsg_seq', 1),
        u32('nlmsg_pid', 0),
        u32('ifi_family', 0),
        i32('ifi_index', facts.index),
        u32('ifi_flags', 0),
        u32('ifi_change', 0),
        ...attributes,
      ]),
      length,
    ),
    man: 'rtnetlink(7)',
    why: `Move ${name} into the network namespace that init is in${inside === name ? '' : `, under the name ${inside}`}, in one request: the host does not see it any more. The kernel takes its addresses off as it moves.`,
  });
  acknowledged(
    draft,
    setting,
    socket,
    `The kernel refused to move the interface ${name} into the container: it may be of a kind that cannot be moved, or the name ${inside} is taken in there (File exists).`,
  );
}

/** The interface by its name, as init finds it. */
const linkName = (inside: string): [number, Uint8Array][] => [[IFLA.IFNAME, textValue(inside)]];

function takeOver(draft: Draft, setting: Setting, socket: string, { inside, facts, newIndex }: Device): void {
  const answer = answerOf(inside);
  if (newIndex === undefined && facts.addresses.length)
    findLink(
      draft,
      setting,
      socket,
      inside,
      'Which number does it have in here? It keeps the one it had unless that is taken. It stands at byte 20.',
      {
        arg: 1,
        offset: 4,
        size: 2,
        mask: 0xffffn,
        equals: BigInt(RTM.RTM_NEWLINK),
        otherwise: `The interface ${inside} is not in the container's network namespace, though it was moved there.`,
      },
    );
  facts.addresses.forEach((address, i) => {
    const value = Buffer.from(address.address, 'hex');
    const message = netlinkMessage(
      RTM.RTM_NEWADDR,
      REQUEST | NLM_F.CREATE | NLM_F.EXCL,
      addressBody(address.family, address.prefixLength, newIndex ?? 0),
      [
        [IFA.LOCAL, value],
        [IFA.ADDRESS, value],
      ],
    );
    const INDEX_AT = 20;
    const text = `${shownAddress(address.family, value)}/${address.prefixLength}`;
    const shows = `{RTM_NEWADDR, NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL, ${text}}`;
    add(draft, {
      ...setting,
      call:
        newIndex !== undefined
          ? sendBytes(ref(socket), data(message, shows), message.length)
          : sendIov(ref(socket), [
              [data(message.subarray(0, INDEX_AT), shows), INDEX_AT],
              [memory(answer, INDEX_AT), 4],
              [data(message.subarray(INDEX_AT + 4), text), message.length - INDEX_AT - 4],
            ]),
      man: 'rtnetlink(7)',
      minor: i > 0,
      why: `Give it its address ${text} again, which it lost by moving.`,
    });
    acknowledged(draft, setting, socket, `The kernel refused to give the interface ${inside} its address ${text} in the container.`);
  });
  const link = newIndex ?? 0;
  request(draft, setting, socket, {
    message: netlinkMessage(RTM.RTM_NEWLINK, REQUEST, linkBody(link, IFF_UP, IFF_UP), newIndex === undefined ? linkName(inside) : []),
    shows: `{RTM_NEWLINK, NLM_F_REQUEST|NLM_F_ACK, ${newIndex === undefined ? inside : `index=${newIndex}`}, IFF_UP}`,
    why: `Switch ${inside} on, as \`ip link set ${inside} up\` does.`,
    otherwise: `The kernel refused to switch on the interface ${inside} in the container.`,
  });
}

const AF_INET = 2;
const shownAddress = (family: number, value: Uint8Array): string =>
  family === AF_INET
    ? [...value].join('.')
    : Array.from({ length: 8 }, (_, i) => (((value[2 * i] ?? 0) << 8) | (value[2 * i + 1] ?? 0)).toString(16)).join(':');
