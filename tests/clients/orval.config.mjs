export default {
  goatherd: {
    input: './openapi.json',
    output: {
      target: './orval/api.ts',
      schemas: './orval/model',
      client: 'fetch',
      mode: 'tags-split',
    },
  },
};
