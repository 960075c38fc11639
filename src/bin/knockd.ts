#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('knockd', async () => {
  const { keepHeapSmall } = await import('../daemon/heap.ts')
  keepHeapSmall()
  const { knockd } = await import('../daemon/knockd.ts')
  await knockd(process.argv.slice(2), (code) => process.exit(code))
})
