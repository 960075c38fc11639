import { Failure } from '../../../cli/fault.ts'
import type { InviteArguments } from '../arguments.ts'

export function invite(_asked: InviteArguments): number {
  throw new Failure('not built yet')
}
