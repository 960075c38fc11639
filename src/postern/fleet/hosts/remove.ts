import { Failure } from '../../../cli/fault.ts'
import type { RemoveArguments } from '../arguments.ts'

export function remove(_asked: RemoveArguments): number {
  throw new Failure('not built yet')
}
