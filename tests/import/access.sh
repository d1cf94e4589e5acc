#!/bin/bash
# How access to the clusters was given; don't run it again.
set -euo pipefail
DOMAIN=example.com

uaac target https://api.pks.example.com:8443 --ca-cert /var/tempest/workspaces/default/root_ca_certificate
uaac token client get admin -s canary-s3cret

uaac user add alana --emails alana@$DOMAIN -p canary-s3cret --given_name Alana --family_name "O'Hara Smith"
uaac user add cody --origin ldap \
  --emails=cody@example.com,cody@example.org
uaac user add dana --email dana@example.com -p "$DANA_PASSWORD" >/dev/null 2>&1 || true
uaac user add erin@example.com -pcanary-s3cret; uaac user deactivate erin@example.com
uaac user update frank --phones "+1 555" && uaac user activate frank
uaac user delete hank
uaac user unlock alana

uaac group add team.ops
uaac member add team.ops alana cody
uaac member add pks.clusters.admin alana
uaac member delete pks.clusters.manage ivan
uaac group map --name pks.clusters.admin "cn=platform,ou=groups,dc=example,dc=com"
uaac group map --name team.ops --origin okta Ops
uaac group unmap pks.clusters.manage "cn=old,dc=example,dc=com"
uaac group delete team.old

uaac client add ci --authorized_grant_types client_credentials --authorities "pks.clusters.admin uaa.none" \
  --access_token_validity 3600 -s canary-s3cret
uaac client add web --authorized_grant_types=authorization_code,refresh_token --scope openid \
  --redirect_uri https://web.example.com/cb --autoapprove true --secret ''
uaac client update ops --scope "openid,pks.clusters.manage" --del_attrs name
uaac client delete oldci
uaac secret set ops -s $(cat secret)

for u in kim lee; do
  uaac member add team.ops $u mia
done
uaac curl /Users -X POST -d '{"password": "canary-s3cret"}'
uaac users
mysql -u root -pcanary-s3cret uaa
