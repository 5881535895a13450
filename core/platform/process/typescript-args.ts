/** Arguments for node to run TypeScript: node 24 (as in the images, which have no tsx) strips types itself. */
export const TYPESCRIPT_ARGS =
  'typescript' in process.features && process.features.typescript ? [] : ['--import', 'tsx']
