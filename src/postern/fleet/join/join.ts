import { Failure } from '../../../cli/fault.ts'
import type { JoinArguments } from '../arguments.ts'

export function join(_asked: JoinArguments): number {
  throw new Failure('not built yet')
}
