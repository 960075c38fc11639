import { Failure, failed } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { remedyOf, saidIn } from '../../etcd/advice.ts'
import { EtcdUnavailable } from '../../etcd/client.ts'

/** Prints why a command of a fleet failed, and what to do if etcd did not answer. Returns the exit code. @throws UsageError */
export function fleetFailed(error: unknown, output: Output): number {
  return failed(error instanceof EtcdUnavailable ? unanswered(error) : error, output)
}

/** Returns a fault of etcd as the fault of a command. */
export function unanswered(error: EtcdUnavailable, before = ''): Failure {
  return new Failure(`${before}${saidIn(error)}`, remedyOf(error), error)
}
