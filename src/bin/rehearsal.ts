#!/usr/bin/env node
import { serve } from '../operator/rehearse/agent.ts'

await serve()
// Connections and listeners would keep it alive.
process.exit(0)
