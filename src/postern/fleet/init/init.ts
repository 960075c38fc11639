import { Failure } from '../../../cli/fault.ts'
import type { InitArguments } from '../arguments.ts'

export function init(_asked: InitArguments): number {
  throw new Failure('not built yet')
}
