import { Failure } from '../../../cli/fault.ts'
import type { HostsArguments } from '../arguments.ts'

export function hosts(_asked: HostsArguments): number {
  throw new Failure('not built yet')
}
