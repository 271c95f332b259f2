/** Times of records (ISO 8601) and of messages. */
import { type Timestamp, timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';

export const timestampOf = (at: string | Date): Timestamp =>
  typeof at === 'string' ? timestampFromMs(Date.parse(at)) : timestampFromDate(at);
