import { expect } from 'vitest'
import { EtcdUnavailable } from '../../src/etcd/client.ts'

/** Returns the error of a call that has to fail. */
export async function fault(call: Promise<unknown>): Promise<EtcdUnavailable> {
  const error: unknown = await call.then(
    () => undefined,
    (each: unknown) => each,
  )
  expect(error).toBeInstanceOf(EtcdUnavailable)
  return error as EtcdUnavailable
}
