package javax.annotation;

/** What generated classes carry; the JDK has had it no longer since Java 11. */
public @interface Generated {
    /** The generator. */
    String[] value();

    /** When it ran. */
    String date() default "";

    /** Its version. */
    String comments() default "";
}
