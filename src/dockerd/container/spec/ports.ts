/** `--publish` and `--expose`: how ports are written. */
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';

const isPort = (text: string | undefined, least: number): boolean =>
  text === undefined || (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65535);

/** `80`, `8000-8100`. */
function isRange(text: string, least: number): boolean {
  const [first, last, ...more] = text.split('-');
  return more.length === 0 && isPort(first, least) && isPort(last, least) && (last === undefined || Number(last) >= Number(first));
}

/** A port of a container: `80/tcp`, `80`, `8000-8100/udp`. @throws 400 */
export function checkPort(port: string): void {
  const [number = '', protocol = 'tcp', ...more] = port.split('/');
  if (more.length > 0 || !isRange(number, 1)) throw badRequest(`invalid port specification: ${JSON.stringify(number)}`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw badRequest(`invalid proto: ${protocol}`);
}

/** @throws 400 */
export function checkPortBindings(bindings: NonNullable<HostConfig['PortBindings']>): void {
  for (const [port, hosts] of Object.entries(bindings)) {
    checkPort(port);
    for (const { HostPort } of hosts ?? []) {
      if (HostPort && !isRange(HostPort, 0)) throw badRequest(`invalid port specification: ${JSON.stringify(HostPort)}`);
    }
  }
}
