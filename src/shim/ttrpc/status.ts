/** gRPC's status in ttrpc's answers ↔ Connect's errors. The numbers of the codes are the same. */
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type Status, StatusSchema } from '../../proto/google/rpc/status_pb.ts';

/** What to answer when a call failed. Errors that name no code are "unknown", as in gRPC. */
export function statusOf(error: unknown): Status {
  const { code, rawMessage, details } = ConnectError.from(error);
  return create(StatusSchema, {
    code,
    message: rawMessage,
    details: details.map((detail) =>
      'desc' in detail
        ? create(AnySchema, {
            typeUrl: `type.googleapis.com/${detail.desc.typeName}`,
            value: toBinary(detail.desc, create(detail.desc, detail.value)),
          })
        : create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }),
    ),
  });
}

/** The error of a call whose answer has this status; undefined when it went well. */
export function errorOf(status: Status | undefined): ConnectError | undefined {
  if (!status || status.code === 0) return undefined;
  const error = new ConnectError(status.message, Code[status.code] ? status.code : Code.Unknown);
  error.details = status.details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1), value }));
  return error;
}
