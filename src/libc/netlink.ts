/**
 * Messages to the kernel's routing side, rtnetlink(7): interfaces and their addresses. A message is
 * a header, a struct of its kind, and attributes; numbers are in the machine's byte order, which on
 * all machines that minirun runs on is little-endian.
 */
import { call, closeFd } from './fd.ts';
import { addressOf, must } from './ffi.ts';

export const RTM = { RTM_NEWLINK: 16, RTM_GETLINK: 18, RTM_NEWADDR: 20, RTM_GETADDR: 22 } as const;
/** NLM_F_REQUEST|NLM_F_ACK, and what makes a request a dump or a creation. */
export const NLM_F = { REQUEST: 1, ACK: 4, DUMP: 0x300, EXCL: 0x200, CREATE: 0x400 } as const;
export const IFF_UP = 1;
export const IFLA = { ADDRESS: 1, IFNAME: 3, NET_NS_PID: 19, NEW_IFINDEX: 49 } as const;
export const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER = 16;
const padded = (length: number): number => (length + 3) & ~3;

export type Attribute = [type: number, value: Uint8Array];

/** A text attribute: netlink wants the NUL. */
export const textValue = (text: string): Uint8Array => Buffer.from(`${text}\0`);

/** A whole message. @param length of the message, where more of it is sent behind these bytes */
export function netlinkMessage(type: number, flags: number, body: Uint8Array, attributes: Attribute[] = [], length?: number): Uint8Array {
  const parts = attributes.map(([kind, value]) => {
    const attribute = Buffer.alloc(padded(4 + value.length));
    attribute.writeUInt16LE(4 + value.length, 0);
    attribute.writeUInt16LE(kind, 2);
    attribute.set(value, 4);
    return attribute;
  });
  const message = Buffer.concat([Buffer.alloc(HEADER), body, ...parts]);
  message.writeUInt32LE(length ?? message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(1, 8);
  return message;
}

/** struct ifinfomsg. `change` has the flags that are to become those in `flags`. */
export function linkBody(index: number, flags = 0, change = 0): Uint8Array {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(change, 12);
  return body;
}

/** struct ifaddrmsg for an address of global scope. */
export const addressBody = (family: number, prefixLength: number, index: number): Uint8Array => {
  const body = Buffer.alloc(8);
  body.set([family, prefixLength, 0, 0]);
  body.writeUInt32LE(index, 4);
  return body;
};

/** The attributes of a message, from `from` on. */
function attributesOf(message: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= message.length; ) {
    const length = message.readUInt16LE(at);
    if (length < 4) break;
    found.set(message.readUInt16LE(at + 2) & 0x3fff, message.subarray(at + 4, at + length));
    at += padded(length);
  }
  return found;
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;

/** Sends a request in this process's network namespace and returns the answers. An error is a negative errno. */
function ask(request: Uint8Array): Buffer[] | number {
  const socket = must('make a netlink socket', call('socket', AF_NETLINK, SOCK_RAW_CLOEXEC, 0));
  try {
    const out = Buffer.from(request);
    must('send to netlink', call('sendto', socket, addressOf(out), out.length, 0, 0, 0));
    const answers: Buffer[] = [];
    const dump = (out.readUInt16LE(6) & NLM_F.DUMP) === NLM_F.DUMP;
    for (;;) {
      const buffer = Buffer.alloc(65536);
      const length = must('receive from netlink', call('recvfrom', socket, addressOf(buffer), buffer.length, 0, 0, 0));
      for (let at = 0; at + HEADER <= length; ) {
        const size = buffer.readUInt32LE(at);
        const type = buffer.readUInt16LE(at + 4);
        if (type === NLMSG_ERROR) return buffer.readInt32LE(at + HEADER) || answers;
        if (type === NLMSG_DONE) return answers;
        answers.push(buffer.subarray(at, at + size));
        at += padded(size);
      }
      if (!dump) return answers;
    }
  } finally {
    closeFd(socket);
  }
}

/** The number of an interface of this network namespace; undefined when there is none of that name. @throws SyscallError */
export function interfaceIndex(name: string): number | undefined {
  const answers = ask(netlinkMessage(RTM.RTM_GETLINK, NLM_F.REQUEST, linkBody(0), [[IFLA.IFNAME, textValue(name)]]));
  return typeof answers === 'number' ? undefined : answers[0]?.readInt32LE(HEADER + 4);
}

export interface InterfaceAddress {
  family: number;
  prefixLength: number;
  scope: number;
  /** IFA_F_*. */
  flags: number;
  /** 4 or 16 bytes: the interface's own address, also on a point-to-point link. */
  address: Uint8Array;
}

/** All addresses of an interface of this network namespace. @throws SyscallError */
export function interfaceAddresses(index: number): InterfaceAddress[] {
  const answers = ask(netlinkMessage(RTM.RTM_GETADDR, NLM_F.REQUEST | NLM_F.DUMP, addressBody(0, 0, 0)));
  if (typeof answers === 'number') must('list the addresses', answers);
  return (answers as Buffer[]).flatMap((answer) => {
    if (answer.readUInt32LE(HEADER + 4) !== index) return [];
    const attributes = attributesOf(answer, HEADER + 8);
    const address = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
    if (!address) return [];
    return [
      {
        family: answer[HEADER] as number,
        prefixLength: answer[HEADER + 1] as number,
        scope: answer[HEADER + 3] as number,
        flags: attributes.get(IFA.FLAGS)?.readUInt32LE(0) ?? (answer[HEADER + 2] as number),
        address,
      },
    ];
  });
}
