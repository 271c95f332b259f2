/** Bodies of requests about networks. */
import * as v from 'valibot';
import { boolean, labels, optional, text } from '../http/fields.ts';

const ipamConfig = v.object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: labels, AuxAddress: labels });

/** POST /networks/create */
export const createNetworkRequest = v.object({
  Name: text,
  Driver: text,
  Scope: text,
  Internal: boolean,
  Attachable: boolean,
  Ingress: boolean,
  ConfigOnly: boolean,
  ConfigFrom: optional(v.object({ Network: text })),
  EnableIPv4: boolean,
  EnableIPv6: boolean,
  IPAM: optional(v.object({ Driver: text, Options: labels, Config: optional(v.array(ipamConfig)) })),
  Options: labels,
  Labels: labels,
});

/** POST /networks/NAME/connect */
export const connectRequest = v.object({ Container: text, EndpointConfig: optional(v.looseObject({})) });

/** POST /networks/NAME/disconnect */
export const disconnectRequest = v.object({ Container: text, Force: boolean });

export type CreateNetworkRequest = v.InferOutput<typeof createNetworkRequest>;
