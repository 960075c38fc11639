// Goal: values in etcd do not fill the memory of a host that lists them.
import { expect, test } from 'vitest'
import { TOLD_MAX_BYTES, listAll } from './range.ts'

test('a list of large values ends before they fill the memory', async () => {
  const value = Buffer.alloc(1_048_576, 'x').toString('base64')
  let pages = 0
  const range = async (): Promise<unknown> => {
    pages++
    const kvs = [{ key: Buffer.from(`/p/${pages}`).toString('base64'), value, mod_revision: '1', version: '1' }]
    return await Promise.resolve({ header: { revision: '1' }, kvs, more: true })
  }
  await expect(listAll('/p/', range)).rejects.toMatchObject({ kind: 'size' })
  expect(pages).toBe(TOLD_MAX_BYTES / 1_048_576)
})
