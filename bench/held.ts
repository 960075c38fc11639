// Loaded ahead of our daemon (`node --import`). At the first SIGUSR2 it begins to look how long the event loop is held;
// at the next it prints `held`, the longest time and the 99th percentile, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1
const NS_PER_MS = 1e6

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
let looking = false
process.on('SIGUSR2', () => {
  if (looking) console.log(`held ${delay.max / NS_PER_MS} ${delay.percentile(99) / NS_PER_MS}`)
  delay.reset()
  delay.enable()
  looking = true
})
