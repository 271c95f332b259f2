/** The container's name, and its loopback interface. */
import { IFF_UP, linkBody, NLM_F, netlinkMessage, RTM } from '../../libc/netlink.ts';
import { setdomainname, sethostname } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, closeResult, type Draft, isNew, type Setting } from './draft.ts';
import { compileNetDevices } from './net-devices.ts';
import { openNetlink, request } from './netlink.ts';

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
  if (isNew(draft.config, 'network')) compileLoopback(draft, init('minirun'));
  compileNetDevices(draft);
}

/** Brings `lo` up, in the network namespace that the actor is in; it is interface 1 of each. */
export function compileLoopback(draft: Draft, setting: Setting): void {
  const socket = openNetlink(draft, setting, 'rtnetlink');
  request(draft, setting, socket, {
    message: netlinkMessage(RTM.RTM_NEWLINK, NLM_F.REQUEST | NLM_F.ACK, linkBody(1, IFF_UP, IFF_UP)),
    shows: '{RTM_NEWLINK, NLM_F_REQUEST|NLM_F_ACK, index=1 (lo), IFF_UP}',
    why: 'Bring the loopback interface up, as `ip link set lo up` does: a new network namespace has it, but down, and programs expect 127.0.0.1 to work.',
    otherwise: 'The kernel refused to bring the loopback interface up.',
  });
  closeResult(draft, setting, ref(socket));
}
