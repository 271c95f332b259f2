/** The container's name, and its loopback interface. */
import { receive, routeSocket, send, setdomainname, sethostname } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, closeResult, type Draft, isNew, type Setting } from './draft.ts';

const init = (from: string): Setting => ({ actor: 'init', chapter: 'identity', from });

/** Host and domain name, in the UTS namespace that init is in now. */
export function compileIdentity(draft: Draft): void {
  const { hostname, domainname } = draft.config;
  if (hostname) {
    add(draft, {
      ...init('#/hostname'),
      call: sethostname(hostname),
      why: 'Name the container. Only its own UTS namespace is renamed; the host keeps its name.',
    });
  }
  if (domainname) {
    add(draft, {
      ...init('#/domainname'),
      call: setdomainname(domainname),
      why: 'The NIS domain name that uname(2) and domainname(1) show.',
    });
  }
  if (isNew(draft.config, 'network')) compileLoopback(draft);
}

const RTM_NEWLINK = 16;
const NLM_F_REQUEST_ACK = 5;
const IFF_UP = 1;

/** struct nlmsghdr and struct ifinfomsg: set IFF_UP on interface 1, which is `lo` in every network namespace. */
function bringLoopbackUp(): Uint8Array {
  const message = Buffer.alloc(32);
  message.writeUInt32LE(32, 0);
  message.writeUInt16LE(RTM_NEWLINK, 4);
  message.writeUInt16LE(NLM_F_REQUEST_ACK, 6);
  message.writeUInt32LE(1, 8);
  message.writeInt32LE(1, 20);
  message.writeUInt32LE(IFF_UP, 24);
  message.writeUInt32LE(IFF_UP, 28);
  return message;
}

/** Brings `lo` up through rtnetlink; the answer's error number (at offset 16) must be 0. */
function compileLoopback(draft: Draft): void {
  const setting: Setting = { ...init('minirun'), chapter: 'identity' };
  add(draft, {
    ...setting,
    call: routeSocket(),
    saves: 'rtnetlink',
    man: 'rtnetlink(7)',
    minor: true,
    why: 'Interfaces are configured by messages to the kernel, through a netlink socket.',
  });
  add(draft, {
    ...setting,
    call: send(ref('rtnetlink'), bringLoopbackUp(), '{RTM_NEWLINK, NLM_F_REQUEST|NLM_F_ACK, index=1 (lo), IFF_UP}'),
    man: 'rtnetlink(7)',
    why: 'Bring the loopback interface up, as `ip link set lo up` does: a new network namespace has it, but down, and programs expect 127.0.0.1 to work.',
  });
  add(draft, {
    ...setting,
    call: receive(ref('rtnetlink'), 64),
    man: 'rtnetlink(7)',
    minor: true,
    why: 'The kernel acknowledges with an error number: 0 means done.',
    expect: [
      { arg: 1, offset: 16, size: 4, mask: 0xffffffffn, equals: 0n, otherwise: 'The kernel refused to bring the loopback interface up.' },
    ],
  });
  closeResult(draft, setting, ref('rtnetlink'));
}
