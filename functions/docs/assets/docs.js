// What `persistAuthorization` keeps in the browser outlives the visit: the access token alone, never the password.
const KeepOnlyTheToken = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorizeOauth2: (authorize) => ({ auth, token }) => {
          const { name, schema, username } = auth;
          const { access_token, token_type } = token;
          return authorize({ auth: { name, schema, username }, token: { access_token, token_type } });
        },
      },
    },
  },
});

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [KeepOnlyTheToken],
});
