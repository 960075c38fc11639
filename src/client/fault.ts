import { Failure } from '../cli/fault.ts'

/** A request that failed. */
export class ClientError extends Failure {
  override readonly name = 'ClientError'
}
