import { Failure } from '../../../cli/fault.ts'
import type { StatusArguments } from '../arguments.ts'

export function fleetStatus(_asked: StatusArguments): number {
  throw new Failure('not built yet')
}
