"""Who people are: users, roles, external identities, activation codes, sessions, sign-in. Builds the actor."""
