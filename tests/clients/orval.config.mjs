export default {
  goatherd: {
    input: './json.json',
    output: { target: './orval/api.ts', schemas: './orval/model', client: 'fetch', mode: 'tags-split' },
  },
};
