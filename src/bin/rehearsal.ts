#!/usr/bin/env node
import { serve } from '../twin/agent.ts'

await serve()
// Connections and listeners would keep it alive.
process.exit(0)
