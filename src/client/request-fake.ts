import { TCP } from '../packet/packet.ts'
import type { Request } from './arguments.ts'

/** One knock at one port, without any option. */
export const PLAIN_REQUEST: Request = {
  host: 'h',
  knocks: [{ protocol: TCP, port: 1 }],
  knockSource: { kind: 'ports' },
  family: undefined,
  delayMs: 0,
  verbose: false,
  source: undefined,
  verify: undefined,
  retry: 0,
}
