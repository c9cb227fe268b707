/* The three settings of mail(), and what each should be. For what sets them: ini files, pools,
 * virtual hosts. */
#ifndef MAILAUDIT_CLI_DOCTOR_PHP_H
#define MAILAUDIT_CLI_DOCTOR_PHP_H

#include "cli/doctor.h"

/* mail.log and mail.add_x_header may be set anywhere but by ini_set() (PHP_INI_SYSTEM and
 * PHP_INI_PERDIR in main/main.c), sendmail_path by the administrator only (PHP_INI_SYSTEM). */
enum php_setting { PHP_LOG, PHP_HEADER, PHP_PATH, PHP_SETTINGS };
extern const struct str php_setting_name[PHP_SETTINGS];

/* The number of a setting's name, PHP_SETTINGS for another one. */
int php_setting_find(struct str name);
bool php_is_on(int setting, struct str value);
/* What it should be, with what there is kept where it can be. */
const char *php_cure(struct doctor *d, int setting, struct str value);
/* Is there what the cure names? A program that is not there must not become anybody's sendmail. */
bool php_can_cure(struct doctor *d, int setting);

#endif
